import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { AgentReports } from './agent-reports';

const sandbox = (sandboxId: string, claimUid: string): AgentSandboxStatus => ({
  ...{ sandboxId, claimUid, claimName: `name-${sandboxId}`, phase: 'running', createdAt: 1 },
});
const unbound = (reports: AgentReports): string[] =>
  [...reports.unbound()].map(({ agentId, sandbox: { sandboxId } }) => `${agentId} ${sandboxId}`).sort();

it('AgentReports: lists unbound sandboxes until they are bound or gone', () => {
  const reports = new AgentReports();
  reports.replace('d/a', [sandbox('1', ''), sandbox('2', 'uid')]);
  reports.replace('d/b', [sandbox('1', ''), sandbox('3', '')]);
  expect(unbound(reports)).toEqual(['d/a 1', 'd/b 1', 'd/b 3']);
  reports.set('d/a', sandbox('1', 'uid'));
  reports.remove('d/b', '3');
  expect(unbound(reports)).toEqual(['d/b 1']);
  reports.removeAgent('d/b');
  expect(unbound(reports)).toEqual([]);
});
