select
    customer, learner_id, learner, organisation, status, assessor_id, assessor, planned_end,
    {{ onefile.days_between('planned_end', onefile.today()) }} as days_past,
    {{ onefile.rounded('progress') }} as progress
from {{ ref('onefile_learners') }}
where in_learning and planned_end < {{ onefile.today() }}
