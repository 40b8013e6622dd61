import type { Tour } from './tour.ts';

export interface TourCase {
  says: string;
  /** Done once on each server, each time in a namespace of its own. */
  visit(tour: Tour): Promise<void>;
  /** Garbage collection and signed certificates: what kube-controller-manager does on a cluster. */
  needsControllerManager?: boolean;
  /** Why the embedded server answers differently on purpose. The test fails when it no longer does. */
  differs?: string;
}

export interface TourChapter {
  title: string;
  cases: TourCase[];
}
