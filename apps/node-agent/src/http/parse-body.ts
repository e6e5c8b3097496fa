import { ApiError } from '@fsb/api/errors';
import { clip } from '@fsb/kit/clip';
import { type z } from 'zod';

/** A list may have a hundred thousand items, all of them wrong. */
const MAX_COMPLAINTS = 20;
const MAX_PATH = 200;

/** @throws ApiError invalid_argument with every field that is wrong and what it allows */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const told = issues.slice(0, MAX_COMPLAINTS);
  const complaints = told.map((issue) => `${clip(issue.path.join('.'), MAX_PATH) || 'body'}: ${meaning(issue)}`);
  if (issues.length > told.length) complaints.push(`and ${issues.length - told.length} more`);
  throw new ApiError('invalid_argument', complaints.join('; '));
}

/** What is wrong with a key of a record is one level down. */
function meaning(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_key' ? issue.issues.map(({ message }) => message).join(', ') : issue.message;
}
