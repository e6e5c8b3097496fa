import 'reflect-metadata';
import { runService } from '@fsb/component-base/bootstrap';
import { agentFlags } from './agent.config';
import { AgentModule } from './agent.module';

void runService({
  name: 'node-agent',
  description: 'Makes and ends sandboxes on its node: the only authority for what it admits.',
  examples: ['node-agent --pod-name a --pod-uid u --node-name n --installation i --agent-token-file /etc/token'],
  flags: agentFlags,
  module: (config) => AgentModule.forRoot(config),
  health: ({ httpPort }) => ({ host: '0.0.0.0', port: httpPort }),
});
