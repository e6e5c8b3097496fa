import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandLine } from './testing/command';
import { RecordingGateway } from './testing/recording-gateway';

/** Each source of a setting names a gateway of its own; the one that receives the call shows which source won. */
const sources = ['flag', 'FSB_ENDPOINT', 'ENDPOINT', '~/.fsb', '--config', './.fsb'] as const;
type Source = (typeof sources)[number];
const gateways = new Map<Source, RecordingGateway>();
const endpoints = new Map<Source, string>();
let line: CommandLine;

beforeAll(async () => {
  CommandLine.build();
  for (const source of sources) {
    const gateway = new RecordingGateway();
    gateways.set(source, gateway);
    endpoints.set(source, await gateway.start());
  }
});
beforeEach(() => {
  line = new CommandLine();
  gateways.forEach((gateway) => gateway.reset());
});
afterEach(() => line.remove());
afterAll(() => gateways.forEach((gateway) => gateway.stop()));

function configure(folder: string, source: Source, more: object = {}): string {
  const path = join(folder, '.fsb/config.json');
  mkdirSync(join(folder, '.fsb'), { recursive: true });
  writeFileSync(path, JSON.stringify({ endpoint: endpoints.get(source), namespace: namespaceOf(source), ...more }));
  return path;
}

function namespaceOf(source: Source): string {
  return source.replace(/[^A-Za-z]/g, '').toLowerCase();
}

async function asked(...args: string[]): Promise<{ source: Source | undefined; namespace: unknown; stderr: string }> {
  const { stdout, stderr } = await line.run(['list', ...args]);
  expect(stdout).toBe('');
  const source = sources.find((each) => (gateways.get(each)?.received.length ?? 0) > 0);
  const received = source && gateways.get(source)?.received[0];
  return { source, namespace: received?.rpc === 'list' ? received.request.namespace : undefined, stderr };
}

describe('settings', () => {
  it.each<[Source, readonly Source[]]>([
    ['flag', ['FSB_ENDPOINT', 'ENDPOINT', '~/.fsb', './.fsb']],
    ['FSB_ENDPOINT', ['ENDPOINT', '~/.fsb', './.fsb']],
    ['ENDPOINT', ['~/.fsb', './.fsb']],
    ['~/.fsb', ['./.fsb']],
    ['--config', ['~/.fsb', './.fsb']],
  ])('%s wins over %p', async (winner, others) => {
    const args: string[] = [];
    for (const source of [winner, ...others]) {
      const endpoint = endpoints.get(source)!;
      const namespace = namespaceOf(source);
      if (source === 'flag') args.push('--endpoint', endpoint, '-n', namespace);
      if (source === 'FSB_ENDPOINT') Object.assign(line.env, { FSB_ENDPOINT: endpoint, FSB_NAMESPACE: namespace });
      if (source === 'ENDPOINT') Object.assign(line.env, { ENDPOINT: endpoint, NAMESPACE: namespace });
      if (source === './.fsb') configure(line.folder, source);
      if (source === '~/.fsb') configure(line.home, source);
      if (source === '--config') args.push('--config', configure(join(line.home, 'elsewhere'), source));
    }
    expect(await asked(...args)).toMatchObject({ source: winner, namespace: namespaceOf(winner) });
  });

  it('reads no configuration from the current folder', async () => {
    configure(line.folder, './.fsb', { tokenFile: 'token' });
    line.env = { FSB_ENDPOINT: endpoints.get('flag')! };
    expect(await asked()).toMatchObject({ source: 'flag', namespace: 'default' });
  });

  it.each([
    ['the file', (path: string) => path],
    ['its folder', (path: string) => dirname(path)],
  ])('refuses the configuration of the home folder where others may write to %s', async (_, which) => {
    const path = which(configure(line.home, '~/.fsb'));
    chmodSync(path, 0o777);
    const { code, stderr } = await line.run(['list']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `error: ${path}: may be written by other users: chmod go-w ${path}\n`,
    });
  });

  it('refuses the configuration of the home folder where it belongs to another user', async () => {
    const path = configure(line.home, '~/.fsb');
    chownSync(path, 4711, 4711);
    const { code, stderr } = await line.run(['list']);
    expect(code).toBe(2);
    expect(stderr).toContain(`${path}: belongs to user 4711, not to you`);
  });

  it('takes an empty variable as unset, and "default" as the namespace when no source has one', async () => {
    Object.assign(line.env, { FSB_ENDPOINT: '', ENDPOINT: endpoints.get('ENDPOINT'), NAMESPACE: '' });
    expect(await asked()).toMatchObject({ source: 'ENDPOINT', namespace: 'default' });
  });

  it('sends no token of the environment to the endpoint of a file', async () => {
    const path = configure(line.home, '~/.fsb');
    Object.assign(line.env, { FSB_INSECURE_PLAINTEXT: '', FSB_TOKEN: 'secret' });
    const { code, stderr } = await line.run(['list']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        'error: FSB_TOKEN: is sent only to an endpoint of the command line or the environment: add --endpoint ' +
        `(${path} names ${endpoints.get('~/.fsb')!})\n`,
    });
    expect(gateways.get('~/.fsb')!.received).toEqual([]);
  });

  it('warns of an unknown key in the file', async () => {
    const path = configure(line.home, '~/.fsb', { endpiont: 'x' });
    const { source, stderr } = await asked();
    expect(source).toBe('~/.fsb');
    expect(stderr).toContain(`warning: ${path}: the key "endpiont" is unknown (keys: endpoint, namespace, caFile, `);
  });

  it.each([
    [['--cert-file', 'tls.crt'], '--cert-file: needs a key too: give both'],
    [['--ca-file', 'nowhere'], '--ca-file: ENOENT'],
    [['--token-file', 'nowhere'], '--token-file: ENOENT'],
    [['--token-file', '/bin/true'], '--token-file: not a token'],
  ])('refuses %p, which TLS cannot use', async (args, reason) => {
    Object.assign(line.env, { FSB_INSECURE_PLAINTEXT: '', FSB_ENDPOINT: endpoints.get('flag') });
    const { code, stderr } = await line.run(['list', ...args]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(reason) as string });
  });

  it.each([
    ['FSB_CA_FILE', 'nowhere', 'ENOENT'],
    ['FSB_TOKEN', 'two words', 'not a token'],
    ['FSB_TOKEN_FILE', 'nowhere', 'ENOENT'],
    ['FSB_TOKEN_FILE', '/bin/true', 'not a token'],
    ['FSB_CERT_FILE', 'tls.crt', 'needs a key'],
    ['FSB_KEY_FILE', 'tls.key', 'needs a certificate'],
  ])('names the variable %s where its value "%s" is of no use', async (variable, value, reason) => {
    Object.assign(line.env, { FSB_INSECURE_PLAINTEXT: '', FSB_ENDPOINT: endpoints.get('flag'), [variable]: value });
    const { code, stderr } = await line.run(['list']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(`^error: ${variable}: ${reason}`) as string,
    });
  });

  it.each([
    ['caFile', 'ENOENT'],
    ['tokenFile', 'ENOENT'],
    ['certFile', 'needs a key'],
  ])('names the key %s where its file is of no use', async (key, reason) => {
    Object.assign(line.env, { FSB_INSECURE_PLAINTEXT: '' });
    const path = configure(line.home, '~/.fsb', { [key]: 'nowhere' });
    const { code, stderr } = await line.run(['list']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining(`error: "${key}" in ${path}: ${reason}`) as string,
    });
  });

  it('fails on a gateway without TLS unless --insecure-plaintext is given', async () => {
    Object.assign(line.env, { FSB_INSECURE_PLAINTEXT: '', FSB_ENDPOINT: endpoints.get('flag') });
    const { code, stderr } = await line.run(['list']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: [^\n]*\n$/); // one line: Node adds no warning
  });

  it.each([
    ['{"endpoint": ', 'a JSON object is expected'],
    ['{"namespace": 7}', 'namespace: '],
    ['{"endpoint": "http://x:1"}', '"endpoint" in '],
    ['[]', 'all strings'],
  ])('refuses the file %s', async (content, reason) => {
    const path = join(line.folder, 'config.json');
    writeFileSync(path, content);
    const { code, stderr } = await line.run(['list', '--config', path]);
    expect(code).toBe(2);
    expect(stderr).toContain(path);
    expect(stderr).toContain(reason);
  });
});
