import type { JsonSchema } from './json-schema.ts';

/** A JSON Schema as TypeScript writes the type: `"idle" | "ringing"`, `Call[]`, `{ uri: string; name?: string }`. */
export function typeText(schema: JsonSchema): string {
  const { $ref, const: only, enum: values, anyOf, oneOf, allOf, type, items, format } = schema;
  if (typeof $ref === 'string') return $ref.slice($ref.lastIndexOf('/') + 1);
  if (only !== undefined) return JSON.stringify(only);
  if (Array.isArray(values)) return values.map((value) => JSON.stringify(value)).join(' | ');
  const parts = (anyOf ?? oneOf) as JsonSchema[] | undefined;
  if (parts !== undefined) return parts.map(typeText).join(' | ');
  if (Array.isArray(allOf)) return (allOf as JsonSchema[]).map(typeText).join(' & ');
  if (type === 'array') return arrayText(items as JsonSchema | undefined);
  if (type === 'object') return objectText(schema);
  if (format === 'date-time') return 'time';
  return typeof type === 'string' ? type : 'any';
}

function arrayText(items: JsonSchema | undefined): string {
  const text = items === undefined ? 'any' : typeText(items);
  return /^[\w.]+$/.test(text) ? `${text}[]` : `(${text})[]`;
}

function objectText({ properties = {}, required = [], additionalProperties }: JsonSchema): string {
  const needed = new Set(required as string[]);
  const fields = Object.entries(properties as Record<string, JsonSchema>).map(
    ([name, value]) => `${name}${needed.has(name) ? '' : '?'}: ${typeText(value)}`,
  );
  if (fields.length > 0) return `{ ${fields.join('; ')} }`;
  return typeof additionalProperties === 'object' && additionalProperties !== null
    ? `{ [name]: ${typeText(additionalProperties as JsonSchema)} }`
    : '{ }';
}
