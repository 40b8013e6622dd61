// Series that are filled when they are scraped, from what is at hand: what cannot be known is absent.
import { Counter, Gauge, type Registry } from 'prom-client';

export const prefix = 'jouleops_';

type Register<M> = (name: string, help: string, labelNames: string[], set: (metric: M) => void | Promise<void>) => void;

export function scraped(registry: Registry): { gauge: Register<Gauge>; counter: Register<Counter> } {
  const common = { registers: [registry] };
  return {
    gauge: (name, help, labelNames, set) => {
      new Gauge({ name: `${prefix}${name}`, help, labelNames, collect: filledBy(set), ...common });
    },
    counter: (name, help, labelNames, set) => {
      new Counter({ name: `${prefix}${name}`, help, labelNames, collect: filledBy(set), ...common });
    },
  };
}

function filledBy<M extends Gauge | Counter>(set: (metric: M) => void | Promise<void>) {
  return function (this: M): void | Promise<void> {
    this.reset();
    return set(this);
  };
}

export function setIf(metric: Gauge, labels: Record<string, string>, value: number | undefined): void {
  if (value !== undefined && Number.isFinite(value)) metric.set(labels, value);
}
