import 'reflect-metadata';
import { runService } from '@fsb/component-base/bootstrap';
import { sandboxControllerFlags } from './sandbox-controller.config';
import { SANDBOX_CONTROLLER, SandboxControllerModule } from './sandbox-controller.module';

void runService({
  name: SANDBOX_CONTROLLER,
  description:
    'Drives Sandbox objects: places, follows and ends their containers, and adopts containers without an object.',
  examples: ['sandbox-controller --kubeconfig ~/.kube/config --agent-tls-dir /etc/fast-sandbox/agent-client'],
  flags: sandboxControllerFlags,
  module: (config) => SandboxControllerModule.forRoot(config),
});
