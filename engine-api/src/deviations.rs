//! The intended deviations of requests from a specification, with their reasons.

/// An intended deviation.
pub struct Deviation {
    /// The version of the specification.
    pub specification: &'static str,
    /// The method and the path of the operation, as in the specification.
    pub operation: &'static str,
    /// The field, with `[]` for the entries of a list.
    pub field: &'static str,
    /// The intended value, in JSON; `null` if the specification lacks the field itself.
    pub value: &'static str,
    /// The reason.
    pub reason: &'static str,
}

/// All of them. If no request of a recorded operation needs one, that is an error, which keeps the list true.
pub const DEVIATIONS: &[Deviation] = &[
    Deviation {
        specification: "1.41",
        operation: "POST /containers/create",
        field: "body.HostConfig.RestartPolicy.Name",
        value: r#""no""#,
        reason: "Engines have always taken it, as `docker run --restart=no` sends it; the list of API 1.41 lacks it, and later ones have it",
    },
    Deviation {
        specification: "1.41",
        operation: "POST /services/create",
        field: "body.TaskTemplate.ContainerSpec.Privileges.NoNewPrivileges",
        value: "null",
        reason: NO_NEW_PRIVILEGES,
    },
    Deviation {
        specification: "1.41",
        operation: "POST /services/{id}/update",
        field: "body.TaskTemplate.ContainerSpec.Privileges.NoNewPrivileges",
        value: "null",
        reason: NO_NEW_PRIVILEGES,
    },
];

const NO_NEW_PRIVILEGES: &str = "services have it from API 1.44 on, and /health and starts refuse managers whose Engine is older";
