with expected as (
    select
        *,
        100 * {{ onefile.share_gone('started', 'planned_end') }} as expected
    from {{ ref('onefile_learners') }}
    where in_learning
)

select
    customer, learner_id, learner, organisation, status, assessor_id, assessor, started, planned_end,
    {{ onefile.rounded('progress') }} as progress,
    {{ onefile.rounded('expected') }} as expected,
    {{ onefile.rounded('progress - expected') }} as ahead
from expected
-- Nothing can be expected of learners without these dates.
where expected is not null
