const { appendFileSync, writeSync } = require('node:fs');

/**
 * The last line of a run: `N passed, N failed`. On exit, because Jest's own summary comes after every reporter.
 * Of a run that is one of several, it goes to the file that FSB_TEST_COUNTS names: whoever runs them has the sum.
 */
module.exports = class CountReporter {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numRuntimeErrorTestSuites }) {
    const line = `${numPassedTests} passed, ${numFailedTests + numRuntimeErrorTestSuites} failed\n`;
    const file = process.env.FSB_TEST_COUNTS;
    if (file) appendFileSync(file, line);
    else process.once('exit', () => writeSync(1, `\n${line}`));
  }
};
