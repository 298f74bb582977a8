//! `POST /v1/targets/{id}/renew` on a Swarm.

use crate::replies::SWARM;
use crate::rows::transcripts;

// A lifetime of two minutes, an hour at most.
transcripts! { &SWARM, "renew 1800s":
    the_answer_shows_a_longer_renewal_by_another_request
        "RENEWED_MEANWHILE: 1810; update => 200 `renewed 1811s`
         RENEWED_MEANWHILE: 1811 => 200 `renewed 1811s`
         RENEWED_MEANWHILE: 2400 => 200 `renewed 2400s`"
}
