import { CommandLine } from './testing/command';
import { RecordingGateway } from './testing/recording-gateway';

const gateway = new RecordingGateway();
const line = new CommandLine();
let endpoint: string;

beforeAll(async () => {
  CommandLine.build();
  endpoint = await gateway.start();
});
afterAll(() => {
  gateway.stop();
  line.remove();
});

const IMAGE = ['--image', 'busybox'];
/** Arguments, and texts of the error: the flag and the values it allows. */
const flags: readonly (readonly [readonly string[], readonly string[]])[] = [
  [['frobnicate'], ["unknown command 'frobnicate'", 'fsb-ctl --help']],
  [['lsit'], ["unknown command 'lsit'", 'list']],
  [
    ['list', '--frob'],
    ["unknown option '--frob'", 'fsb-ctl list --help'],
  ],
  [
    ['run', 'web', ...IMAGE, 'sh', '-c', 'date'],
    ["unknown option '-c'", 'put -- before'],
  ],
  [['run'], ["missing required argument 'name'"]],
  [['get'], ["missing required argument 'name'"]],
  [['logs'], ["missing required argument 'name'"]],
  [['delete'], ["missing required argument 'name'"]],
  [['get', 'one', 'two'], ['too many arguments']],
  [
    ['get', 'Web'],
    ["argument 'name'", 'lower-case'],
  ],
  [
    ['run', '../etc', ...IMAGE],
    ["argument 'name'", 'lower-case'],
  ],
  [['run', 'a'.repeat(254), ...IMAGE], ["argument 'name'"]],
  [
    ['get', 'web', '-o', 'xml'],
    ['--output', 'yaml, json'],
  ],
  [
    ['run', 'web', '--image', ''],
    ['--image', 'empty'],
  ],
  [
    ['run', 'web', '--image'],
    ['--image', 'argument missing'],
  ],
  [
    ['run', 'web', ...IMAGE, '--mode', 'slow'],
    ['--mode', 'fast, strong'],
  ],
  [
    ['run', 'web', ...IMAGE, '--pool', 'My Pool'],
    ['--pool', 'lower-case'],
  ],
  [
    ['run', 'web', ...IMAGE, '--ports', '0'],
    ['--ports', '1 to 65535'],
  ],
  [
    ['run', 'web', ...IMAGE, '--ports', '80,65536'],
    ['--ports', '1 to 65535'],
  ],
  [
    ['run', 'web', ...IMAGE, '--ports', '80,,81'],
    ['--ports', '1 to 65535'],
  ],
  [
    ['run', 'web', ...IMAGE, '--ports', '8e1'],
    ['--ports', '1 to 65535'],
  ],
  [
    ['run', 'web', ...IMAGE, '--env', 'NAME'],
    ['--env', 'NAME=value'],
  ],
  [
    ['run', 'web', ...IMAGE, '--env', '=x'],
    ['--env', 'NAME=value'],
  ],
  [
    ['run', 'web', ...IMAGE, '--env', 'é=x'],
    ['--env', 'printable ASCII'],
  ],
  [
    ['run', 'web', ...IMAGE, '--workdir', 'work'],
    ['--workdir', 'absolute path'],
  ],
  [
    ['run', 'web', ...IMAGE, '--label', 'a'],
    ['--label', 'key=value'],
  ],
  [
    ['run', 'web', ...IMAGE, '--label', '-a=b'],
    ['--label', "label's key"],
  ],
  [
    ['run', 'web', ...IMAGE, '--label', 'a=b c'],
    ['--label', "label's value"],
  ],
  [
    ['run', 'web', ...IMAGE, '--cpu', 'much'],
    ['--cpu', '500m'],
  ],
  [
    ['run', 'web', ...IMAGE, '--memory', '0'],
    ['--memory', '64Mi'],
  ],
  [
    ['run', 'web', ...IMAGE, '--memory', '64MB'],
    ['--memory', '64Mi'],
  ],
  [
    ['run', 'web', ...IMAGE, '--timeout', 'soon'],
    ['--timeout', '1m30s'],
  ],
  [
    ['run', 'web', ...IMAGE, '--timeout', '0'],
    ['--timeout', 'above 0'],
  ],
  [
    ['list', '--timeout', '-1s'],
    ['--timeout', '1m30s'],
  ],
  [
    ['run', 'web', '-f', '/no/such/file'],
    ['--file', '/no/such/file'],
  ],
  [['run', 'web', '-f', '/'], ['--file']],
  [
    ['list', '--config', '/no/such/file'],
    ['--config', '/no/such/file'],
  ],
  [
    ['list', '-n', 'My_Namespace'],
    ['--namespace', 'lower-case'],
  ],
  [
    ['list', '--endpoint', 'http://localhost:9090'],
    ['--endpoint', 'host:port'],
  ],
  [
    ['list', '--endpoint', 'localhost'],
    ['--endpoint', 'host:port'],
  ],
  [
    ['list', '--endpoint', 'localhost:70000'],
    ['--endpoint', '65535'],
  ],
  [
    ['logs', 'web', '--tail', '-5'],
    ['--tail', '0 or more'],
  ],
  [
    ['logs', 'web', '--tail', 'all'],
    ['--tail', '0 or more'],
  ],
  [
    ['update', 'web'],
    ['nothing to change', '--expire-time', '--labels'],
  ],
  [
    ['update', 'web', '--expire-time', 'tomorrow'],
    ['--expire-time', 'Unix seconds', 'RFC 3339'],
  ],
  [
    ['update', 'web', '--expire-time', '2030-13-41T12:00:00Z'],
    ['--expire-time', 'RFC 3339'],
  ],
  [
    ['update', 'web', '--expire-time', '12345'],
    ['--expire-time', 'past'],
  ],
  [
    ['update', 'web', '--failure-policy', 'never'],
    ['--failure-policy', 'manual or auto-recreate'],
  ],
  [
    ['update', 'web', '--recovery-timeout', '0'],
    ['--recovery-timeout', 'at least 1'],
  ],
  [
    ['update', 'web', '--recovery-timeout', '1.5'],
    ['--recovery-timeout', 'whole seconds'],
  ],
  [
    ['update', 'web', '--labels', 'a=b,c'],
    ['--labels', 'key=value'],
  ],
];

const files: readonly (readonly [string, readonly string[]])[] = [
  ['', ['image', 'missing']],
  ['pool_ref: x', ['image', 'missing']],
  ['image:', ['image', 'empty']],
  ['image: [a]', ['image', 'must be a string']],
  ['image: a\nimage: b', ['not valid YAML', 'unique']],
  ['image: "a', ['not valid YAML', 'line 1']],
  ['image: a\n\tcommand: b', ['not valid YAML']],
  ['just text', ['must be a mapping']],
  ['- image: a', ['must be a mapping']],
  ['image: a\nimagee: b\nports: [1]', ['unknown key "imagee", "ports"', 'exposed_ports']],
  ['image: a\nexposed_ports: 80', ['exposed_ports', 'list']],
  ['image: a\nexposed_ports: [80, 65536]', ['exposed_ports[1]', '1 to 65535']],
  ['image: a\nconsistency_mode: slow', ['consistency_mode', 'fast or strong']],
  ['image: a\ncommand: /bin/sh', ['command', 'list of strings']],
  ['image: a\nargs: [[a]]', ['args[0]', 'must be a string']],
  ['image: a\nenvs: [A=b]', ['envs', 'mapping']],
  ['image: a\nenvs: { é: b }', ['envs.é', 'printable ASCII']],
  ['image: a\nenvs: { A: [b] }', ['envs.A', 'must be a string']],
  ['image: a\nworking_dir: work', ['working_dir', 'absolute path']],
  ['image: a\npool_ref: My Pool', ['pool_ref', 'lower-case']],
  ['image: a\nresources: { gpu: 1 }', ['unknown key "gpu"', 'memory']],
  ['image: a\nresources: { memory: lots }', ['resources.memory', '64Mi']],
  ['image: a\nresources: 64Mi', ['resources', 'mapping']],
  ['image: a\nlabels: { a: b c }', ['labels.a', "label's value"]],
];

async function refused(args: readonly string[], stdin: string): Promise<string> {
  const target = args.includes('--endpoint') ? [] : ['--endpoint', endpoint];
  const { code, stdout, stderr } = await line.run([...target, ...args], stdin);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^error: [^\n]+\n$/);
  expect(gateway.received).toEqual([]);
  return stderr;
}

describe('fsb-ctl with bad input: exits with 2 and one line that says why, and sends nothing', () => {
  it.each(flags)('arguments %j', async (args, named) => {
    const stderr = await refused(args, '');
    for (const text of named) expect(stderr).toContain(text);
  });

  it.each(files)('file %j', async (content, named) => {
    const stderr = await refused(['run', 'web', '-f', '-'], content);
    for (const text of ['standard input', ...named].slice(named[1] === 'missing' ? 1 : 0))
      expect(stderr).toContain(text);
  });

  it('no command: the help on stderr', async () => {
    const { code, stdout, stderr } = await line.run([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: fsb-ctl');
  });

  it.each(['FSB_ENDPOINT', 'ENDPOINT', 'FSB_NAMESPACE', 'NAMESPACE'])('variable %s', async (variable) => {
    const other = new CommandLine();
    other.env = { [variable]: 'a b' };
    const { code, stderr } = await other.run(['list']);
    other.remove();
    expect(code).toBe(2);
    expect(stderr).toContain(`error: ${variable}: "a b": `);
  });
});
