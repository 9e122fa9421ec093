import * as z from 'zod';

/** A JSON Schema of draft 2020-12, as far as zod makes it. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** The JSON Schema of a zod schema; those that have an id go among `schemas`, and are referred to. */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output', schemas: Record<string, JsonSchema>): JsonSchema {
  const {
    $schema: _,
    $defs = {},
    ...made
  } = z.toJSONSchema(schema, { io, unrepresentable: 'any', override: ({ jsonSchema }) => readable(jsonSchema) });
  const text = (value: unknown) => JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/');
  for (const [name, definition] of Object.entries($defs)) {
    const { id: _id, ...rest } = JSON.parse(text(definition)) as JsonSchema;
    // Of a request a schema says something else than of an answer: one of both needs two names.
    if (schemas[name] !== undefined && text(schemas[name]) !== text(rest)) throw new Error(`two schemas are named ${name}`);
    schemas[name] = rest;
  }
  return JSON.parse(text(made)) as JsonSchema;
}

/** Leaves out what only a machine could want: the format says it, or it holds of every number, or of every object. */
function readable(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.format === 'date-time') delete schema.pattern;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  const { additionalProperties } = schema;
  if (typeof additionalProperties === 'object' && Object.keys(additionalProperties).length === 0)
    delete schema.additionalProperties;
}
