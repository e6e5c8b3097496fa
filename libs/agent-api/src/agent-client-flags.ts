import { flag, port } from '@fsb/component-base/config';
import { z } from 'zod';

/** Of every process that calls agents. */
export const agentClientFlags = {
  agentPort: flag(port().default(5758), 'Where the agents serve their API'),
  agentTlsDir: flag(
    z.string().default('/etc/fast-sandbox/agent-client'),
    'Folder with tls.crt and tls.key to show to the agents, and ca.crt that signs them; read anew when they change',
  ),
};
