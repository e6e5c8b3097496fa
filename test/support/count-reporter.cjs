/** Prints the one line that CI reads: `N passed, N failed[, N skipped]`. */
module.exports = class CountReporter {
  onRunComplete(_contexts, results) {
    const suites = results.numRuntimeErrorTestSuites; // a suite that cannot load has no failed test of its own
    const skipped = results.numPendingTests + results.numTodoTests;
    const counts = [`${results.numPassedTests} passed`, `${results.numFailedTests + suites} failed`];
    if (skipped > 0) counts.push(`${skipped} skipped`);
    process.stdout.write(`\n${counts.join(', ')}\n`);
  }
};
