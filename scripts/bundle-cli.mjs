// fsb-ctl without node_modules: bin/fsb-ctl, and the parts of it that a command loads when it needs them. Parsing all of
// it at every start would cost 25 ms.
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const command = join(root, 'bin/fsb-ctl');
const parts = join(root, 'bin/fsb-ctl-parts');

const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: ['apps/fsb-ctl/src/main.ts'],
  outdir: parts,
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  outExtension: { '.js': '.mjs' },
  write: false,
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  // only grpc-js's channelz service asks for it
  external: ['@grpc/proto-loader'],
  // the CommonJS among the parts asks for Node's own modules
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  define: { FSB_VERSION: JSON.stringify(version) },
  // names stay: they are in the stack traces that people send
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
});

// someone may be running it: new parts go beside the old ones, the command changes at once, and then the old ones go
mkdirSync(parts, { recursive: true });
for (const { path, contents } of outputFiles) replace(path, contents);
const names = outputFiles.map(({ path }) => basename(path));
replace(command, `#!/usr/bin/env node\nimport('./fsb-ctl-parts/${names.find((name) => name.startsWith('main-'))}');\n`);
for (const name of readdirSync(parts))
  if (name.endsWith('.mjs') && !names.includes(name)) rmSync(join(parts, name), { force: true });

function replace(path, contents) {
  const made = `${path}.${process.pid}`;
  writeFileSync(made, contents);
  chmodSync(made, 0o755);
  renameSync(made, path);
}
