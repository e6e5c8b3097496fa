import { address, boolean, duration, flag, loadConfig, port } from './config';

const flags = {
  agentPort: flag(port().default(5758), 'Port of the agents'),
  orphanTimeout: flag(duration().default(10_000), 'Orphan timeout'),
  leaderElect: flag(boolean().default(false), 'Elect a leader'),
  bind: flag(address().default({ host: '0.0.0.0', port: 9091 }), 'Address', 'BIND_ADDRESS'),
};
const load = (argv: string[], env: Record<string, string> = {}) =>
  loadConfig({ name: 'x', description: 'x' }, flags, argv, env);

describe('loadConfig', () => {
  it('prefers a flag to the environment, and both to the default', () => {
    expect(load([])).toMatchObject({ agentPort: 5758, orphanTimeout: 10_000, leaderElect: false });
    expect(load([], { AGENT_PORT: ':6000' }).agentPort).toBe(6000);
    expect(load(['--agent-port', '7000'], { AGENT_PORT: '6000' }).agentPort).toBe(7000);
    expect(load(['--agent-port=7000']).agentPort).toBe(7000);
    expect(load([], { AGENT_PORT: '' }).agentPort).toBe(5758);
  });

  it('parses durations, addresses and switches as Go does', () => {
    expect(load(['--orphan-timeout', '1m30s']).orphanTimeout).toBe(90_000);
    expect(load(['--bind', ':5']).bind).toEqual({ host: '0.0.0.0', port: 5 });
    expect(load([], { BIND_ADDRESS: '[::1]:70' }).bind).toEqual({ host: '::1', port: 70 });
    expect(load(['--leader-elect']).leaderElect).toBe(true);
    expect(load(['--leader-elect=false']).leaderElect).toBe(false);
  });

  it('exits with 78, naming each wrong flag, its variable and the allowed values', () => {
    const written: string[] = [];
    const stderr = jest.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    const exit = jest.spyOn(process, 'exit').mockImplementation((code) => {
      throw new Error(`exit ${String(code)}`);
    });
    expect(() => load(['--agent-port', '70000', '--orphan-timeout', 'soon'])).toThrow('exit 78');
    stderr.mockRestore();
    exit.mockRestore();
    expect(written.join('')).toContain('--agent-port (AGENT_PORT): "70000" must be a port from 1 to 65535');
    expect(written.join('')).toContain('--orphan-timeout (ORPHAN_TIMEOUT): "soon" must be a duration');
  });
});
