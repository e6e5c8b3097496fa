/** The node agent as a process on a containerd of its own, for tests of the apps that speak to it. */
export { AgentProcess } from '../../apps/node-agent/src/testing/agent-process';
