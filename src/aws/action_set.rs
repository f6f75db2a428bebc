//! The sets of KMS actions, and of the others that lead to a key.

use super::set::action_set;
use super::{ControlAction, KmsAction};

action_set! {
    /// A set of KMS actions, a bit for each row of the action table.
    ActionSet of KmsAction in 1
}

action_set! {
    /// A set of control actions, a bit for each row of their table: the second action word.
    ControlSet of ControlAction in 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_follow_their_algebra() {
        let reads = ActionSet::from_iter([KmsAction::DESCRIBE_KEY, KmsAction::GET_KEY_POLICY]);
        let mut both = ActionSet::of(KmsAction::DECRYPT).union(reads);
        assert_eq!((both.len(), reads.len()), (3, 2));
        assert!(reads.is_subset(both) && !both.is_subset(reads) && both.intersects(reads));
        assert_eq!(both.intersection(reads), reads);
        assert_eq!(both.minus(reads), KmsAction::DECRYPT.into());
        both.remove(KmsAction::DECRYPT);
        assert_eq!(both, reads);
        assert!(both.contains(KmsAction::GET_KEY_POLICY) && !both.contains(KmsAction::DECRYPT));
        assert!(both.minus(both).is_empty() && ActionSet::EMPTY == ActionSet::default());
    }

    #[test]
    fn iteration_is_in_table_order_and_complete() {
        assert!(ActionSet::ALL.iter().eq(KmsAction::all()));
        assert_eq!(ActionSet::EMPTY.iter().count(), 0);
        let set = ActionSet::from_iter([KmsAction::VERIFY_MAC, KmsAction::CANCEL_KEY_DELETION]);
        assert_eq!(format!("{set:?}"), "{kms:CancelKeyDeletion, kms:VerifyMac}");
    }

    #[test]
    fn the_second_word_has_all_control_actions() {
        assert_eq!(ControlSet::ALL.len(), ControlAction::COUNT);
        assert!(ControlSet::ALL.iter().eq(ControlAction::all()));
        let pair = [ControlAction::STS_TAG_SESSION, ControlAction::IAM_PASS_ROLE];
        let set = ControlSet::from_iter(pair);
        assert_eq!(format!("{set:?}"), "{iam:PassRole, sts:TagSession}");
        assert_eq!(ControlSet::ALL.minus(set).len(), ControlAction::COUNT - 2);
    }

    #[test]
    fn the_lowest_is_the_first_row() {
        let all = ControlAction::all().zip(0..);
        for (action, row) in all {
            assert_eq!(ControlSet::of(action).lowest(), row, "{action}");
            assert!(ControlSet::ALL.contains(action));
        }
        assert_eq!(ControlSet::EMPTY.lowest(), ControlAction::COUNT);
    }
}
