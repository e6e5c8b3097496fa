const { appendFileSync, writeFileSync, writeSync } = require('node:fs');

/**
 * The last line of a run: `N passed, N failed`. On exit, because Jest's own summary comes after every reporter.
 * Of a run that is one of several, it goes to the file that FSB_TEST_COUNTS names: whoever runs them has the sum.
 * The suites that failed go to the file that FSB_TEST_AGAIN names, and are not counted: they run once more.
 */
module.exports = class CountReporter {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, testResults }) {
    let [passed, failed] = [numPassedTests, numFailedTests + numRuntimeErrorTestSuites];
    const { FSB_TEST_COUNTS: counts, FSB_TEST_AGAIN: again } = process.env;
    if (again) {
      const suites = testResults.filter(({ numFailingTests, testExecError }) => numFailingTests > 0 || testExecError);
      writeFileSync(again, suites.map(({ testFilePath }) => `${testFilePath}\n`).join(''));
      for (const { numPassingTests } of suites) passed -= numPassingTests;
      failed = 0;
    }
    const line = `${passed} passed, ${failed} failed\n`;
    if (counts) appendFileSync(counts, line);
    else process.once('exit', () => writeSync(1, `\n${line}`));
  }
};
