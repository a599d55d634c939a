/** Something that must never be was seen. Ends the run of the seed. */
export class Violation extends Error {
  override readonly name = 'Violation';
  /** Which rule: stable, so that a shrinker knows the same failure again. */
  readonly rule: string;

  constructor(rule: string, detail: string) {
    super(`${rule}: ${detail}`);
    this.rule = rule;
  }
}
