import 'reflect-metadata';
import { runService } from '@fsb/component-base/bootstrap';
import { TlsFolder } from '@fsb/component-base/tls-folder';
import { agentFlags } from './agent.config';
import { AgentModule } from './agent.module';

void runService({
  name: 'node-agent',
  description: 'Admits, starts, watches and ends sandboxes on its node.',
  examples: ['node-agent --pod-name a --pod-uid u --node-name n --installation i --tls-dir /etc/tls'],
  flags: agentFlags,
  module: (config) => AgentModule.forRoot(config),
  api: ({ httpPort, tlsDir }) => ({ address: { host: '0.0.0.0', port: httpPort }, tls: new TlsFolder(tlsDir) }),
});
