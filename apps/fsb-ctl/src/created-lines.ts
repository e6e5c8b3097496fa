import type { CreateResponse } from '@fsb/api/gen/fastpath/v1/fastpath';

/**
 * Lines that scripts for the Go predecessor match, then the stages of the create as a waterfall.
 * @param stages JSON of the gateway, `[{"name": "choose", "ms": 0.1}]`; absent or empty prints none
 * @param start `performance.now()` when the call was sent
 */
export async function createdLines(answer: CreateResponse, stages: string | undefined, start: number): Promise<string> {
  const tookMs = performance.now() - start;
  const took = tookMs < 1_000 ? `${tookMs.toFixed(1)}ms` : `${(tookMs / 1_000).toFixed(2)}s`;
  const lines = [
    `🎉 Sandbox created successfully in ${took}`,
    `Name:      ${answer.sandboxName}`,
    `ID:        ${answer.sandboxId}`,
    `Agent:     ${answer.agentPod}`,
    `Endpoints: [${answer.endpoints.join(' ')}]`,
    '',
  ].join('\n');
  if (stages === undefined || stages === '') return lines;
  const { waterfall } = await import('./stages.js');
  return lines + waterfall(stages);
}
