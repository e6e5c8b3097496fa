import { type Admission } from './admission';
import { type Claim } from './claim';
import { type AgentCreate } from './create-request';

/**
 * The claim of a sandbox that is about to be made.
 * @param namespace used where the order names none
 * @param shares limits where the order has none; 0: unlimited
 */
export function newClaim(
  { request, image, ports, memoryBytes, storageBytes, cpus, pids }: AgentCreate,
  namespace: string,
  shares: Pick<Admission, 'share' | 'storageShare'>,
): Claim {
  const memory = memoryBytes ?? (shares.share() || undefined);
  const storage = storageBytes ?? (shares.storageShare() || undefined);
  const { command, args, env, workingDir, terminationGracePeriodSeconds: grace } = request;
  return {
    sandboxId: request.sandboxId,
    claimUid: request.claimUid,
    claimName: request.claimName,
    namespace: request.namespace ?? namespace,
    image,
    ports: [...ports],
    createdAt: Math.floor(Date.now() / 1000),
    spec: { command, args, env, workingDir, cpus, pids },
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(storage === undefined ? {} : { storageBytes: storage }),
    ...(grace === undefined ? {} : { terminationGracePeriodSeconds: grace }),
    ...(request.generation === undefined ? {} : { generation: request.generation }),
    ...(request.object === undefined ? {} : { object: { ...request.object } }),
  };
}
