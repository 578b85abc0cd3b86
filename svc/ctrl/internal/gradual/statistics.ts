/** Exact probabilities of counts, for judgements that must hold for small numbers too. Pure. */

const LN_SQRT_2PI = 0.918_938_533_204_672_7;
/** Below it, Stirling's series is not exact enough: the recurrence leads above it. */
const STIRLING_MIN = 16;

/** The logarithm of the factorial of a whole number. */
export function lnFactorial(count: number): number {
  let x = count + 1;
  let below = 0;
  for (; x < STIRLING_MIN; x++) below += Math.log(x);
  const inverse = 1 / x;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square / 1_260));
  return (x - 0.5) * Math.log(x) - x + LN_SQRT_2PI + series - below;
}

function lnChoose(of: number, count: number): number {
  return lnFactorial(of) - lnFactorial(count) - lnFactorial(of - count);
}

/** Further terms change nothing. */
const TERM_MIN = 1e-17;

/** The sum of terms that begin with `first` and shrink by `ratio`. Above the mean each is smaller than the one before. */
function tail(lnFirst: number, from: number, to: number, ratio: (at: number) => number): number {
  let term = 1;
  let sum = 1;
  for (let at = from; at < to; at++) {
    term *= ratio(at);
    sum += term;
    if (term < sum * TERM_MIN) break;
  }
  return Math.min(1, Math.exp(lnFirst + Math.log(sum)));
}

/** The probability of `count` or more hits in `tries`, each of which hits with `probability`. 1 where that is no more than the mean. */
export function binomialTail(
  { tries, count, probability }: {
    readonly tries: number;
    readonly count: number;
    readonly probability: number;
  },
): number {
  if (count <= tries * probability) return 1;
  const lnFirst = lnChoose(tries, count) + count * Math.log(probability) +
    (tries - count) * Math.log1p(-probability);
  const odds = probability / (1 - probability);
  return tail(lnFirst, count, tries, (at) => odds * (tries - at) / (at + 1));
}

/**
 * The probability that of `hits` among `all` things, `count` or more are among `drawn` of them that were drawn blindly
 * (Fisher's exact test, one side). 1 where that is no more than the mean.
 */
export function hypergeometricTail(
  { all, hits, drawn, count }: {
    readonly all: number;
    readonly hits: number;
    readonly drawn: number;
    readonly count: number;
  },
): number {
  if (all === 0 || count <= drawn * hits / all) return 1;
  const misses = all - hits;
  const lnFirst = lnChoose(hits, count) + lnChoose(misses, drawn - count) - lnChoose(all, drawn);
  const to = Math.min(hits, drawn);
  return tail(
    lnFirst,
    count,
    to,
    (at) => (hits - at) * (drawn - at) / ((at + 1) * (misses - drawn + at + 1)),
  );
}
