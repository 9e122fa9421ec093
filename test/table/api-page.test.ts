import { beforeAll, describe, expect, it, vi } from 'vitest';
import { apiPage, commandsDifference, fieldsDifference, requestsDifference, sourceDocument } from '../support/api-page.ts';
import type { Document } from '../support/contract.ts';

// The platform's module is there in workerd alone.
vi.mock('cloudflare:workers', () => ({ DurableObject: class {} }));

const SAME = { missing: [], unknown: [] };

let document: Document;
beforeAll(async () => {
  document = await sourceDocument();
});

describe('Offhook API page', () => {
  it('has each request of the OpenAPI document with its scope, and no other (npm run test:api names what differs)', () => {
    expect(requestsDifference(document, apiPage())).toEqual(SAME);
    const other = apiPage().replace('| `GET /v1/audit` | admin |', '| `GET /v1/audits` | read |');
    expect(requestsDifference(document, other)).toEqual({ missing: ['GET /v1/audit admin'], unknown: ['GET /v1/audits read'] });
  });

  it('has each field of the presence document with the values that it can have, and no other', () => {
    expect(fieldsDifference(document, apiPage())).toEqual(SAME);
    const other = apiPage().replace('| `calls.held` |', '| `calls.hold` |').replace('`voicemail`, ', '');
    expect(fieldsDifference(document, other)).toEqual({
      missing: ['calls.held', 'calls.session voicemail'],
      unknown: ['calls.hold'],
    });
  });

  it('has each script of npm and each command of offhook, and no other', () => {
    expect(commandsDifference(apiPage())).toEqual(SAME);
    const other = apiPage().replace('| `npx offhook watch` |', '| `npx offhook look` |');
    expect(commandsDifference(other)).toEqual({ missing: ['npx offhook watch'], unknown: ['npx offhook look'] });
  });
});
