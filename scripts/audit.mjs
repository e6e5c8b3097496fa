// audit.mjs: known faults of the production dependencies, as the registry tells them. Not every registry does: then nothing is
// known, and that is said.
import { spawnSync } from 'node:child_process';

const audit = ['audit', '--omit=dev'];
const { stdout } = spawnSync('npm', [...audit, '--json'], { encoding: 'utf8' });
const answer = parsed(stdout);
if (answer.auditReportVersion === undefined) {
  console.error(`\nSKIPPED: npm audit: the registry does not answer it: ${answer.message ?? stdout}\n`);
} else {
  process.exitCode = spawnSync('npm', audit, { stdio: 'inherit' }).status ?? 1;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
