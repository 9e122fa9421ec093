import * as z from 'zod';
import type { Problem } from '../problem.ts';

/** RFC 9457. */
export const problemSchema = z
  .object({
    type: z.string().describe('Path of the page that tells what this kind of error means, and what to do.'),
    title: z.string(),
    status: z.int(),
    code: z.int().describe('Number of the kind: the status, and two digits.'),
    detail: z.string().describe('What is wrong in this case, for people.'),
    field: z.string().exactOptional().describe('What in the request is wrong, as a path: `updates[3].call.id`.'),
    requestId: z.string().exactOptional().describe("Cloudflare's name of the request."),
  })
  .meta({ id: 'Problem', description: 'An error, as RFC 9457 tells it.' }) satisfies z.ZodType<Problem>;
