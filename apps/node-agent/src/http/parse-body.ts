import { ApiError } from '@fsb/api/errors';
import { type z } from 'zod';

/** @throws ApiError invalid_argument with every field that is wrong and what it allows */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const complaints = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${meaning(issue)}`);
  throw new ApiError('invalid_argument', complaints.join('; '));
}

/** What is wrong with a key of a record is one level down. */
function meaning(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_key' ? issue.issues.map(({ message }) => message).join(', ') : issue.message;
}
