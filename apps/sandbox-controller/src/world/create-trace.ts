import { TRACEPARENT_ANNOTATION } from '@fsb/api/labels';
import { type Sandbox } from '@fsb/api/sandbox';

/** Creates end within minutes. What is done with a sandbox after that is no part of its create's trace. */
const TRACED_MS = 120_000;

/** @param now Unix milliseconds */
export function createTrace(object: Sandbox | undefined, now: number): string | undefined {
  const made = Date.parse(object?.metadata.creationTimestamp ?? '');
  return now - made < TRACED_MS ? object?.metadata.annotations?.[TRACEPARENT_ANNOTATION] : undefined;
}
