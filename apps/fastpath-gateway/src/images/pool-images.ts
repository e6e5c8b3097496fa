import { type ListImagesRequest, type ListImagesResponse, type PoolImage } from '@fsb/api/gen/fastpath/v1/images';
import { type AgentImages } from '@fsb/placement/agent-directory';
import { namespaceName, objectName } from '../sandboxes/field-rules';

/** Source of the images that agents report. */
export interface ImageSource {
  imagesOf(namespace: string, pool: string): Iterable<AgentImages>;
}

/** Lists the images that the agents of a namespace's pools report. */
export class PoolImages {
  constructor(private readonly agents: ImageSource) {}

  /** @throws ApiError invalid_argument, when namespace or pool_ref is malformed */
  list({ namespace, poolRef }: ListImagesRequest): ListImagesResponse {
    const pool = poolRef === '' ? '' : objectName('pool_ref', poolRef);
    return { items: countImages(this.agents.imagesOf(namespaceName(namespace), pool)) };
  }
}

/** One item for each image of each pool, sorted by pool and name. Pure. */
export function countImages(agents: Iterable<AgentImages>): PoolImage[] {
  const totals = new Map<string, number>();
  const items = new Map<string, PoolImage>();
  for (const { pool, images, warm } of agents) {
    totals.set(pool, (totals.get(pool) ?? 0) + 1);
    for (const name of new Set(images)) {
      const key = `${pool} ${name}`;
      const item = items.get(key) ?? { poolRef: pool, name, agents: 0, warmAgents: 0, totalAgents: 0 };
      item.agents++;
      if (warm.includes(name)) item.warmAgents++;
      items.set(key, item);
    }
  }
  for (const item of items.values()) item.totalAgents = totals.get(item.poolRef) ?? 0;
  return [...items.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, item]) => item);
}
