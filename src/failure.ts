/** The words to the user when something fails: one or two lines, the culprit named, the remedy last. */
export class Failure extends Error {
  /** the exit status it leads to */
  readonly status: number = 1;
}

/** The command line makes no sense. */
export class UsageError extends Failure {
  override readonly status: number = 2;
}
