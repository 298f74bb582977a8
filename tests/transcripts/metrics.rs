//! `/metrics`.

use crate::rows::{check, transcripts};

/// A server with two images.
const TWO_IMAGES: &[(&str, &str)] = &[("environments", r#"{"e":{"image":"other"}}"#)];

transcripts! { TWO_IMAGES, "scrape":
    a_scrape_is_two_lists_and_one_look_for_each_image
        r#"list all: running max-lifetime=10; list volumes; look up the image;
           look up the image: 404 no such image: other
           => 200 `dynamic_access_targets{environment="e",state="running"} 1;`
           `dynamic_access_reapable_targets{reason="expired"} 1;`
           `dynamic_access_oldest_target_age_seconds 11;`
           `dynamic_access_targets_limit{environment=""} 1;`
           `dynamic_access_image_present{image="dynamic-access-agent"} 1;`
           `dynamic_access_image_present{image="other"} 0;`
           `,engine="Docker 28.0.1"} 1;` ` 0 faults`"#

    // The log says why.
    an_engine_that_is_down_is_asked_for_no_image
        r#"list all: (unreachable | lost | 500 m | 502 <html>) * 3
           => 200 `dynamic_access_engine_up 0;` `dynamic_access_targets_limit{environment=""} 1;`
           `1 faults` not `targets{` not `image_present{` not `oldest_` not `reapable_`"#

    an_engine_that_hangs_is_given_up_before_the_scrape_is
        "list all: hangs * 2 => 200 `dynamic_access_engine_up 0;`
         // The list is answered, and stays although the images are missing.
         list all: none; look up the image: hangs * 2
         => 200 `dynamic_access_engine_up 1;` `2 faults` not `image_present{`"

    an_image_of_which_the_engine_says_nothing_is_neither_there_nor_missing
        r#"list all: none; look up the image: 500 m * 3; look up the image
           => 200 `dynamic_access_image_present{image="other"} 1;`
           `1 faults: 500 Internal Server Error: m` not `image="dynamic-access-agent"`"#
}

#[test]
fn a_scrape_looks_for_twenty_images_at_most() {
    let image = |number| format!(r#""e{number}":{{"image":"image{number}"}}"#);
    let images: Vec<_> = (0..30).map(image).collect();
    let environments = format!("{{{}}}", images.join(","));
    let rows = "list all: none; look up the image * 20 => 200 ` 0 faults`";
    check(&[("environments", &environments)], "scrape", rows);
}
