import { ConsistencyMode, CreateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { API_VERSION } from '@fsb/api/sandbox';
import { type Life } from './plan';
import { LIFE_LABEL, NAMESPACE, POOL } from './pool';

export interface Asked {
  /** empty: a generated name */
  readonly name: string;
  /** value of {@link LIFE_LABEL} */
  readonly life: string;
  readonly requestId?: string;
  /** Unix seconds */
  readonly expires?: number | undefined;
}

export function createRequest({ door, program }: Life, { name, life, requestId = '', expires }: Asked): CreateRequest {
  return CreateRequest.fromPartial({
    ...{ image: program.image, poolRef: POOL, namespace: NAMESPACE, name, requestId },
    command: [...program.command],
    consistencyMode: door === 'strong' ? ConsistencyMode.STRONG : ConsistencyMode.FAST,
    labels: { [LIFE_LABEL]: life },
    ...(expires === undefined ? {} : { expireTimeSeconds: expires }),
    ...(program.memory === undefined ? {} : { resources: { memory: program.memory } }),
  });
}

/** Manifest for `kubectl apply`. */
export function manifest({ program }: Life, { name, life, expires }: Asked): string {
  return JSON.stringify({
    apiVersion: API_VERSION,
    kind: 'Sandbox',
    metadata: { name, namespace: NAMESPACE, labels: { [LIFE_LABEL]: life } },
    spec: {
      ...{ image: program.image, poolRef: POOL, command: program.command },
      ...(expires === undefined ? {} : { expireTime: new Date(expires * 1000).toISOString() }),
      ...(program.memory === undefined ? {} : { resources: { memory: program.memory } }),
    },
  });
}
