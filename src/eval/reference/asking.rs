//! What is asked, of KMS or of another service, in the words that both have in common.

use crate::aws::{Action, ActionInfo, ControlAction, KmsAction};
use crate::decision::{Caller, Context, ControlRequest, Request, Target};
use crate::policy::PolicyDocument;

/// One request, whatever it is for.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    /// Who asks.
    pub(super) caller: &'a Caller,
    /// For what.
    pub(super) what: What<'a>,
    /// The condition keys it gives.
    pub(super) context: &'a Context,
    /// The session policies of the caller's session.
    pub(super) session_policies: &'a [PolicyDocument],
}

/// An action, and what it is asked for on.
#[derive(Clone, Copy)]
pub(super) enum What<'a> {
    /// An action of KMS.
    Kms(KmsAction, &'a Target),
    /// An action of section 5, on an ARN or on `*`.
    Control(ControlAction, &'a str),
}

impl<'a> Asking<'a> {
    /// The action.
    pub(super) fn action(&self) -> Action {
        match self.what {
            What::Kms(action, _) => action.into(),
            What::Control(action, _) => action.into(),
        }
    }

    /// The action, where it is one of KMS.
    pub(super) fn kms(&self) -> Option<KmsAction> {
        self.action().kms()
    }

    /// Whether it is asked for this action of KMS.
    pub(super) fn is(&self, action: KmsAction) -> bool {
        self.kms() == Some(action)
    }

    /// What the table says of the action, where it is one of KMS.
    pub(super) fn info(&self) -> Option<&'static ActionInfo> {
        self.kms().map(KmsAction::info)
    }

    /// What a request to KMS is made on.
    pub(super) fn target(&self) -> Option<&'a Target> {
        match self.what {
            What::Kms(_, target) => Some(target),
            What::Control(..) => None,
        }
    }
}

impl<'a> From<&'a Request> for Asking<'a> {
    fn from(request: &'a Request) -> Self {
        Self {
            caller: &request.caller,
            what: What::Kms(request.action, &request.target),
            context: &request.context,
            session_policies: &request.session_policies,
        }
    }
}

impl<'a> From<&'a ControlRequest> for Asking<'a> {
    fn from(request: &'a ControlRequest) -> Self {
        Self {
            caller: &request.caller,
            what: What::Control(request.action, &request.resource),
            context: &request.context,
            session_policies: &request.session_policies,
        }
    }
}
