import type { TourChapter } from './case.ts';
import { applies } from './chapters/applies.ts';
import { builtins } from './chapters/builtins.ts';
import { deletions } from './chapters/deletions.ts';
import { forms } from './chapters/forms.ts';
import { identities } from './chapters/identities.ts';
import { objects } from './chapters/objects.ts';
import { ownership } from './chapters/ownership.ts';
import { patches } from './chapters/patches.ts';
import { reads } from './chapters/reads.ts';
import { updates } from './chapters/updates.ts';
import { validations } from './chapters/validation.ts';
import { watches } from './chapters/watches.ts';

/** Everything that both servers are asked, in the order of docs/conformance.md. */
export const chapters: TourChapter[] = [
  objects,
  updates,
  patches,
  applies,
  ownership,
  validations,
  builtins,
  reads,
  watches,
  deletions,
  forms,
  identities,
];
