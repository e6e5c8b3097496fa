import { type IncomingMessage } from 'node:http';
import { lines } from '@fsb/component-base/lines';
import { apiVersionOf, type Kind, type KubeObject } from './kinds';
import { kubeError } from './kube-error';

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

/**
 * The events of a watch, until the server ends the stream or is silent for `silenceMs`: a half-open connection never
 * fails by itself.
 * @throws KubeError for an ERROR event, SyntaxError for malformed JSON, or the connection's Error
 */
export async function* watchEvents<T extends KubeObject>(
  response: IncomingMessage,
  kind: Kind<T>,
  silenceMs: number,
): AsyncGenerator<WatchEvent<T>> {
  const silence = new AbortController();
  const watchdog = setTimeout(() => {
    silence.abort();
    response.destroy();
  }, silenceMs);
  try {
    for await (const line of lines(response)) {
      watchdog.refresh();
      if (line !== '') yield parse(line, kind);
    }
  } catch (error) {
    if (!silence.signal.aborted) throw error;
  } finally {
    clearTimeout(watchdog);
    response.destroy();
  }
}

function parse<T extends KubeObject>(line: string, kind: Kind<T>): WatchEvent<T> {
  const { type, object } = JSON.parse(line) as { type: string; object: T & { code?: number } }; // the API's watch framing
  if (type === 'ERROR') throw kubeError(`watch ${kind.plural}`, object.code ?? 500, JSON.stringify(object));
  object.apiVersion ??= apiVersionOf(kind);
  object.kind ??= kind.kind;
  return { type: type as WatchEvent<T>['type'], object }; // the API's closed set, without the ERROR above
}
