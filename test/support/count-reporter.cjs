const { appendFileSync, writeFileSync, writeSync } = require('node:fs');

/**
 * Prints the line `N passed, N failed` at the end of a run: on exit, because Jest's own summary follows every reporter.
 * FSB_TEST_COUNTS names a file to append the line to instead, for one run of several. FSB_TEST_FAILED names a file to
 * write the paths of the failed suites to that may run again. With FSB_TEST_AGAIN=1 those suites are not counted, because
 * scripts/tests.sh runs them again. A suite that starts nothing has no second run: its failure is a fault.
 */
const MAY_RUN_AGAIN = /\.node\.spec\.ts$|\/test\/(?!bench|manifests|soak)/;

module.exports = class CountReporter {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, testResults }) {
    let [passed, failed] = [numPassedTests, numFailedTests + numRuntimeErrorTestSuites];
    const { FSB_TEST_COUNTS: counts, FSB_TEST_FAILED: failures, FSB_TEST_AGAIN: again } = process.env;
    const suites = testResults.filter(
      ({ numFailingTests, testExecError, testFilePath }) =>
        (numFailingTests > 0 || testExecError) && MAY_RUN_AGAIN.test(testFilePath),
    );
    if (failures) writeFileSync(failures, suites.map(({ testFilePath }) => `${testFilePath}\n`).join(''));
    if (again) {
      for (const { numPassingTests, numFailingTests, testExecError } of suites) {
        passed -= numPassingTests;
        failed -= numFailingTests + (testExecError && numFailingTests === 0 ? 1 : 0);
      }
    }
    const line = `${passed} passed, ${failed} failed\n`;
    if (counts) appendFileSync(counts, line);
    else process.once('exit', () => writeSync(1, `\n${line}`));
  }
};
