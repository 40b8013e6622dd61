// Quantiles of Student's t distribution, by inverting the regularised incomplete beta function (continued fraction of Lentz;
// Press et al., Numerical Recipes, 3rd ed., 6.4).

/** t with P(T ≤ t) = probability; `degrees` may be fractional. */
export function studentQuantile(probability: number, degrees: number): number {
  if (!(degrees > 0) || !(probability > 0 && probability < 1))
    throw new RangeError(`no t quantile for probability ${probability} and ${degrees} degrees of freedom`);
  if (probability < 0.5) return -studentQuantile(1 - probability, degrees);
  let high = 1;
  while (studentCumulative(high, degrees) < probability && high < 1e12) high *= 2;
  let low = 0;
  for (let step = 0; step < 80; step += 1) {
    const middle = (low + high) / 2;
    if (studentCumulative(middle, degrees) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The normal distribution is t with very many degrees of freedom. */
export function normalQuantile(probability: number): number {
  return studentQuantile(probability, 1e7);
}

function studentCumulative(t: number, degrees: number): number {
  const tail = 0.5 * incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5);
  return t >= 0 ? 1 - tail : tail;
}

function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

function betaFraction(x: number, a: number, b: number): number {
  const floor = (value: number) => (Math.abs(value) < 1e-300 ? 1e-300 : value);
  let c = 1;
  let d = 1 / floor(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m <= 20_000; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / floor(1 + even * d);
    c = floor(1 + even / c);
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / floor(1 + odd * d);
    c = floor(1 + odd / c);
    result *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return result;
}

/** Lanczos approximation; a Stirling series where differences of large values must keep their digits. */
function logGamma(x: number): number {
  if (x > 100) return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * x) - 1 / (360 * x ** 3);
  const coefficients = [
    76.18009172947146, -86.50532032941678, 24.01409824083091, -1.231739572450155, 0.1208650973866179e-2, -0.5395239384953e-5,
  ];
  const shifted = x + 5.5 - (x + 0.5) * Math.log(x + 5.5);
  const series = coefficients.reduce((sum, coefficient, index) => sum + coefficient / (x + 1 + index), 1.000000000190015);
  return -shifted + Math.log((Math.sqrt(2 * Math.PI) * series) / x);
}
