// Bundles fsb-ctl, so that it needs no node_modules: bin/fsb-ctl, and parts that a command loads on demand. Parsing all
// of it at every start would cost 25 ms.
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
  // used only by grpc-js's channelz service
  external: ['@grpc/proto-loader'],
  // CommonJS modules in the parts require Node's built-in modules
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  define: { FSB_VERSION: JSON.stringify(version) },
  // identifiers stay, for readable stack traces
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
});

// fsb-ctl may be running: write the new parts beside the old ones, replace the command atomically, then remove the old
// parts
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
