import 'reflect-metadata';
import { runService } from '@fsb/component-base/bootstrap';
import { poolControllerFlags } from './pool-controller.config';
import { POOL_CONTROLLER, PoolControllerModule } from './pool-controller.module';

void runService({
  name: POOL_CONTROLLER,
  description: 'Scales the agent Pods of each SandboxPool to its demand, and rolls out template changes.',
  examples: ['pool-controller --kubeconfig ~/.kube/config --agent-ca-cert-file ca.crt --agent-ca-key-file ca.key'],
  flags: poolControllerFlags,
  module: (config) => PoolControllerModule.forRoot(config),
});
