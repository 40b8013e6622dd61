// A prediction with what the fleet has taught about its predictor.
import type { Prediction } from '../prediction/prediction.ts';
import { transferFactor } from '../prediction/predictor.ts';
import { type Correction, correct } from './online-calibration.ts';

/** What is in force for one predictor on one class key. */
export interface CalibrationInForce extends Correction {
  /** Counts recalibrations; 0 while the predictor is as it was trained. */
  revision: number;
  /** Different networks that the correction stands on. */
  networks: number;
}

/** From so many networks on, their errors say how wide the interval of a transferred predictor must be: a 90 % interval of fewer scores promises nothing. */
export const networksForTransfer = 19;

/** The predictor is named with the calibration's number: `raspberry-pi-5-corerail-onnxruntime@1.4`. */
export function calibratedPrediction(prediction: Prediction, calibration: CalibrationInForce): Prediction {
  if (calibration.revision === 0) return prediction;
  const { confidencePercent } = prediction.joulesPerInference;
  const corrected = correct(prediction.joulesPerInference, calibration, confidencePercent);
  const transferred = prediction.transferred && calibration.networks < networksForTransfer;
  const { estimate } = corrected;
  const joules = transferred
    ? {
        estimate,
        lower: Math.min(corrected.lower, estimate / transferFactor),
        upper: Math.max(corrected.upper, estimate * transferFactor),
      }
    : corrected;
  return {
    ...prediction,
    predictor: `${prediction.predictor}.${calibration.revision}`,
    joulesPerInference: { ...joules, confidencePercent },
    transferred,
    method: `${prediction.method}; calibrated by measurements of ${calibration.networks} networks (×${Math.exp(calibration.log).toFixed(3)})`,
  };
}
