import { type AgentEvent } from '@fsb/agent-api/agent-api';

const HEARTBEAT_MS = 2000;

/** The stream of `status?watch=true`: the snapshot, every change, and a sign of life in silence. Lines of JSON. */
export async function* statusLines(snapshot: AgentEvent, changes: AsyncIterable<[AgentEvent]>): AsyncGenerator<string> {
  yield line(snapshot);
  const iterator = changes[Symbol.asyncIterator]();
  let next = iterator.next();
  for (;;) {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<'silence'>((resolve) => {
      timer = setTimeout(resolve, HEARTBEAT_MS, 'silence');
    });
    const result = await Promise.race([next, silence]);
    clearTimeout(timer);
    if (result === 'silence') {
      yield line({ type: 'heartbeat' });
      continue;
    }
    if (result.done === true) return;
    yield line(result.value[0]);
    next = iterator.next();
  }
}

function line(event: AgentEvent): string {
  return `${JSON.stringify(event)}\n`;
}
