import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { sourceDocument } from '../support/api-page.ts';
import type { Document } from '../support/contract.ts';

// The platform's module is there in workerd alone.
vi.mock('cloudflare:workers', () => ({ DurableObject: class {} }));

let document: Document;
beforeAll(async () => {
  document = await sourceDocument();
});

/** What a validator of others finds by the schema of the OpenAPI Initiative, which looks at all but the schemas of what is told. */
async function findings(changed: object): Promise<unknown> {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(changed) as Record<string, unknown>);
  return valid ? validator.version : errors;
}

/** The schemas of what is told and asked, by the meta-schema of JSON Schema 2020-12; nothing in them may be unknown. */
function compiled(schemas: object): string[] {
  const ajv = new Ajv.Ajv2020({ strict: true, strictRequired: false, validateFormats: false, allowUnionTypes: true });
  const root = JSON.parse(JSON.stringify(schemas).replaceAll('"#/components/schemas/', '"#/$defs/')) as Record<string, object>;
  const all = { $id: 'https://offhook.test/schemas', $defs: root };
  ajv.addSchema(all);
  return Object.keys(root).filter((name) => ajv.getSchema(`${all.$id}#/$defs/${name}`) !== undefined);
}

describe('Offhook OpenAPI document, as others judge it', () => {
  it('is valid by the OpenAPI 3.1 schema', async () => {
    expect(await findings(document)).toBe('3.1');
    const { paths, ...rest } = document;
    expect(await findings({ ...rest, paths: { ...paths, '/x': { get: { responses: { 700: {} } } } } })).not.toBe('3.1');
    expect(await findings({ ...document, webhooks: { x: { post: { parameters: [{ name: 'x' }] } } } })).not.toBe('3.1');
  });

  it('has schemas that are valid by JSON Schema 2020-12, to the last keyword and reference', () => {
    const { schemas } = document.components;
    expect(compiled(schemas)).toEqual(Object.keys(schemas));
    expect(() => compiled({ ...schemas, X: { type: 'objekt' } })).toThrow(/objekt|type/);
    expect(() => compiled({ ...schemas, X: { type: 'object', nullable: 'x' } })).toThrow();
    expect(() => compiled({ ...schemas, X: { $ref: '#/components/schemas/Nothing' } })).toThrow(/Nothing/);
  });
});
