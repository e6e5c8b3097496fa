import { flag, port } from '@fsb/component-base/config';
import { z } from 'zod';

/** Flags of every process that calls agents. */
export const agentClientFlags = {
  agentPort: flag(port().default(5758), 'Port on which the agents serve their API'),
  agentTlsDir: flag(
    z.string().default('/etc/fast-sandbox/agent-client'),
    "Folder with the client certificate for agents (tls.crt, tls.key) and the agents' CA (ca.crt); reread on change",
  ),
};
