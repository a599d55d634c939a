/** What becomes of an operation that is not answered as it should be. Sessions of every door reject with one of these. */

/** The command certainly had no effect, and never will. */
export class NotDone extends Error {
  override readonly name = 'NotDone';
}

/** The command may or may not have had its effect, or may yet have it. */
export class OutcomeOpen extends Error {
  override readonly name = 'OutcomeOpen';
}

/** An answer that a working server does not give to this command. */
export class WrongReply extends Error {
  override readonly name = 'WrongReply';
}
