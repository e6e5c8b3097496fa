import { TRACEPARENT_ANNOTATION } from '@fsb/api/labels';
import { type Sandbox } from '@fsb/api/sandbox';

/** Age of a Sandbox, in milliseconds, up to which its reconciles belong to the trace of its create. */
const TRACED_MS = 120_000;

/**
 * The traceparent of a young Sandbox's create.
 * @param now Unix milliseconds
 */
export function createTrace(object: Sandbox | undefined, now: number): string | undefined {
  const made = Date.parse(object?.metadata.creationTimestamp ?? '');
  return now - made < TRACED_MS ? object?.metadata.annotations?.[TRACEPARENT_ANNOTATION] : undefined;
}
