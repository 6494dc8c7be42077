import Mocha from 'mocha';

/** How long after the last test the process may take to end by itself, in milliseconds. */
const LEFT_OPEN_AFTER_MS = 15_000;

/** Mocha's spec report, closed by the one line that a machine reads. A run that is to skip nothing fails when something was skipped. */
export default class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      const skippedInCi = process.env['CI'] === 'true' ? pending : 0;
      if (skippedInCi > 0) {
        console.log(`${skippedInCi} tests were skipped, which CI does not allow.`);
        process.exitCode = 1;
      }
      // Fires only where something keeps the process alive: a timer, socket, server or child that a test left open.
      setTimeout(() => {
        console.log(`Left open after the last test: ${process.getActiveResourcesInfo().join(', ')}`);
        process.exit(1);
      }, LEFT_OPEN_AFTER_MS).unref();
      const failed = failures + skippedInCi;
      process.once('exit', () =>
        console.log(pending > skippedInCi ? `${passes} passed, ${failed} failed, ${pending} skipped` : `${passes} passed, ${failed} failed`),
      );
    });
  }
}
