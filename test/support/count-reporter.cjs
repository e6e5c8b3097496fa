const { appendFileSync, writeFileSync, writeSync } = require('node:fs');

/**
 * Ends a run with the line `N passed, N failed`: on exit, because Jest's own summary comes after every reporter.
 * FSB_TEST_COUNTS names a file that gets the line instead, when the run is one of several.
 * FSB_TEST_FAILED names a file that gets the paths of the suites that failed. With FSB_TEST_AGAIN=1 these are not counted,
 * because scripts/tests.sh runs them once more.
 */
module.exports = class CountReporter {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, testResults }) {
    let [passed, failed] = [numPassedTests, numFailedTests + numRuntimeErrorTestSuites];
    const { FSB_TEST_COUNTS: counts, FSB_TEST_FAILED: failures, FSB_TEST_AGAIN: again } = process.env;
    const suites = testResults.filter(({ numFailingTests, testExecError }) => numFailingTests > 0 || testExecError);
    if (failures) writeFileSync(failures, suites.map(({ testFilePath }) => `${testFilePath}\n`).join(''));
    if (again) {
      for (const { numPassingTests } of suites) passed -= numPassingTests;
      failed = 0;
    }
    const line = `${passed} passed, ${failed} failed\n`;
    if (counts) appendFileSync(counts, line);
    else process.once('exit', () => writeSync(1, `\n${line}`));
  }
};
