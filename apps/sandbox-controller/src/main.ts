import 'reflect-metadata';
import { runService } from '@fsb/component-base/bootstrap';
import { sandboxControllerFlags } from './sandbox-controller.config';
import { SANDBOX_CONTROLLER, SandboxControllerModule } from './sandbox-controller.module';

void runService({
  name: SANDBOX_CONTROLLER,
  description:
    'Takes each Sandbox object through its life: places it, follows it, ends it, and adopts what has no object.',
  examples: ['sandbox-controller --kubeconfig ~/.kube/config --agent-tls-dir /etc/fast-sandbox/agent-client'],
  flags: sandboxControllerFlags,
  module: (config) => SandboxControllerModule.forRoot(config),
});
