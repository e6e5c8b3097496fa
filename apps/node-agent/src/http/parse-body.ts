import { ApiError } from '@fsb/api/errors';
import { clip } from '@fsb/kit/clip';
import { type z } from 'zod';

/** Issues named in an error. A list may have a hundred thousand items, each with one. */
const MAX_COMPLAINTS = 20;
const MAX_PATH = 200;

/** @throws ApiError invalid_argument with the invalid fields (20 at most) and what they allow */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const shown = issues.slice(0, MAX_COMPLAINTS);
  const complaints = shown.map((issue) => `${clip(issue.path.join('.'), MAX_PATH) || 'body'}: ${meaning(issue)}`);
  if (issues.length > shown.length) complaints.push(`and ${issues.length - shown.length} more`);
  throw new ApiError('invalid_argument', complaints.join('; '));
}

/** The message of an issue. For an invalid key of a record it is one level down. */
function meaning(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_key' ? issue.issues.map(({ message }) => message).join(', ') : issue.message;
}
