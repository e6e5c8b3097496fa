import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { files, layoutOf } from '../layout';
import { resolveSettings } from '../settings';
import { addCaller, ensureCredentials } from './credentials';

describe('credentials', () => {
  const layout = layoutOf(mkdtempSync(join(tmpdir(), 'fsb-credentials-')));
  const up = (): Promise<void> => ensureCredentials(layout, resolveSettings(layout, {}), '10.88.0.1');
  const tokens = (): { user: string; token: string }[] =>
    JSON.parse(readFileSync(files.tokens(layout), 'utf8')) as { user: string; token: string }[];

  afterAll(() => rmSync(layout.root ?? '', { recursive: true }));

  it('addCaller: fails before a stack was started', () => {
    expect(() => addCaller(layout, { namespace: 'team-a', role: 'tenant' })).toThrow('run `standalone up` first');
  });

  it('addCaller: writes token, kubeconfig and configuration, which the next up keeps', async () => {
    await up();
    const { kubeconfig, client } = addCaller(layout, { namespace: 'team-a', role: 'tenant' });
    const before = tokens();
    await up();
    expect(tokens()).toEqual(before);
    const mine = before.find(({ user }) => user === 'tenant-team-a');
    expect(mine).toMatchObject({ role: 'tenant', namespaces: ['team-a'] });
    expect(parse(readFileSync(kubeconfig, 'utf8'))).toMatchObject({
      users: [{ user: { token: mine?.token } }],
      contexts: [{ context: { namespace: 'team-a' } }],
    });
    const config = JSON.parse(readFileSync(client, 'utf8')) as { namespace: string; tokenFile: string };
    expect(config).toMatchObject({ namespace: 'team-a', endpoint: 'localhost:9090' });
    expect(readFileSync(config.tokenFile, 'utf8')).toBe(mine?.token);
    expect(addCaller(layout, { namespace: 'team-a', role: 'tenant' })).toEqual({ kubeconfig, client });
    expect(tokens()).toEqual(before);
  });

  it('addCaller: refuses an invalid namespace', () => {
    expect(() => addCaller(layout, { namespace: '../x', role: 'tenant' })).toThrow('--namespace: "../x" must have');
  });
});
