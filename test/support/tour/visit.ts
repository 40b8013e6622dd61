import { randomBytes } from 'node:crypto';
import type { TourCase } from './case.ts';
import type { Observation } from './normalise.ts';
import { namespaces } from './paths.ts';
import { Tour, type TourServer } from './tour.ts';

/** One case on one server, in a namespace of its own. */
export async function visit(server: TourServer, tourCase: TourCase): Promise<Observation[]> {
  const tour = new Tour(server, `tour-${randomBytes(5).toString('hex')}`);
  try {
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: tour.namespace } };
    await tour.call(201, 'POST', namespaces(), { body, unrecorded: true });
    await tourCase.visit(tour);
    return tour.observations;
  } finally {
    await tour.close();
  }
}
