const { writeSync } = require('node:fs');

/** The last line of a run: `N passed, N failed`. On exit, because Jest's own summary comes after every reporter. */
module.exports = class CountReporter {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numRuntimeErrorTestSuites }) {
    process.once('exit', () => {
      writeSync(1, `\n${numPassedTests} passed, ${numFailedTests + numRuntimeErrorTestSuites} failed\n`);
    });
  }
};
